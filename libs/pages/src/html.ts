/** Markup that is safe to send: everything that was put into it has been escaped. */
export class Html {
  readonly #markup: string;

  private constructor(markup: string) {
    this.#markup = markup;
  }

  /** Only for constants of ours. */
  static constant(markup: string): Html {
    return new Html(markup);
  }

  toString(): string {
    return this.#markup;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Template tag: escapes every value unless it is Html; lists are joined; undefined and false leave nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly unknown[]): Html {
  return Html.constant(parts.reduce((markup, part, i) => markup + render(values[i - 1]) + part));
}

function render(value: unknown): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (Array.isArray(value)) return value.map(render).join('');
  return String(value).replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '');
}
