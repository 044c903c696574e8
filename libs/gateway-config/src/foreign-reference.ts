/** A reference of another tool's file in our words, or why there is no such thing. */
export type Translated = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

const ANY = /\$\{([^}]*)\}/g;
const VARIABLE = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)$/;
// VS Code's predefined variables look like environment variables, but are not.
const EDITOR_VARIABLE = /^(workspaceFolder|workspaceFolderBasename|userHome|cwd|pathSeparator|\/|config:.*|command:.*)$/;

/** Turns `${VAR}` and `${env:VAR}` into `${env:VAR}`. */
export function translateReferences(text: string): Translated {
  const refusal = [...text.matchAll(ANY)].map(([whole, body]) => refuse(whole, body ?? '')).find(Boolean);
  if (refusal) return { ok: false, message: refusal };
  return { ok: true, text: text.replace(ANY, (_whole, body: string) => `\${env:${VARIABLE.exec(body)?.[1] ?? body}}`) };
}

function refuse(whole: string, body: string): string | undefined {
  if (body.startsWith('input:'))
    return `${whole} asks the user of an editor, and a gateway has none. Write \${env:NAME} and set that variable.`;
  if (EDITOR_VARIABLE.test(body)) return `${whole} is known to an editor only. Write out what it stands for.`;
  if (/:[-?+=]/.test(body))
    return `${whole} has a default, which references here cannot have. Write \${env:NAME} and set that variable.`;
  if (!VARIABLE.test(body)) return `${whole} is not a reference. Write \${env:NAME}.`;
  return undefined;
}
