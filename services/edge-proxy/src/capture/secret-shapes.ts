/** Names of fields whose values are secrets, whatever they are. */
const SECRET_NAME =
  /pass(?:wor[dt]|wd|phrase|code)|^pwd$|^pin$|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|authorization|^auth$|cookie|credential|^otp$|signature/i;

/** Names that have such a word in them, and are none: what protocols call their own. */
const NO_SECRET_NAME = /^(?:progressToken|max_?tokens|tokens|token_?count|.*_tokens|next_?page_?token|page_?token)$/i;

/** How secrets begin. Each is of bounded length, so that no text makes the search slow. */
const SECRET_SHAPES: readonly RegExp[] = [
  // JSON in base64url, as JWTs and many other tokens begin.
  /eyJ[A-Za-z0-9_-]{10}/,
  /\b(?:Bearer|Basic|DPoP) {1,4}[A-Za-z0-9+/_.~-]{8}/i,
  /-----BEGIN [A-Z ]{0,24}PRIVATE KEY/,
  // API keys of this gateway.
  /\bsy_[A-Za-z0-9]{8,64}_[A-Za-z0-9_-]{16}/,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}/,
  /\bgh[oprsu]_[A-Za-z0-9]{20}/,
  /\bgithub_pat_[A-Za-z0-9_]{20}/,
  /\bglpat-[A-Za-z0-9_-]{16}/,
  /\bxox[abeprs]-[A-Za-z0-9-]{10}/,
  /\b[prs]k_(?:live|test)_[A-Za-z0-9]{10}/,
  /\bsk-[A-Za-z0-9_-]{16}/,
  /\bAIza[A-Za-z0-9_-]{30}/,
  /\bya29\.[A-Za-z0-9_-]{10}/,
  /\bnpm_[A-Za-z0-9]{30}/,
  /\bhv[sb]\.[A-Za-z0-9_-]{20}/,
  /\bSG\.[A-Za-z0-9_-]{16}/,
  // A password in a URL.
  /:\/\/[^\s/:@]{0,128}:[^\s/@]{1,128}@/,
];

/** Whether a field's name says that its value is a secret. */
export const isSecretName = (name: string) => SECRET_NAME.test(name) && !NO_SECRET_NAME.test(name);

/** Whether a text holds something that looks like a secret. */
export const holdsSecret = (text: string) => SECRET_SHAPES.some((shape) => shape.test(text));
