/** A line of CEF, read again. */
export interface CefLine {
  readonly header: readonly string[];
  readonly extension: Readonly<Record<string, string>>;
}

type Kind = 'text' | 'number' | 'time';

/**
 * Keys that we write, with the type and the longest value that the dictionary gives them: ArcSight Common Event Format, Implementation
 * Standard, "CEF Key Names For Event Producers", version 0.1.
 */
const DICTIONARY: Readonly<Record<string, readonly [kind: Kind, limit: number]>> = {
  act: ['text', 63],
  cat: ['text', 1_023],
  cn1: ['number', 20],
  cn1Label: ['text', 1_023],
  cn2: ['number', 20],
  cn2Label: ['text', 1_023],
  cn3: ['number', 20],
  cn3Label: ['text', 1_023],
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6].flatMap((n) => [[`cs${n}`, ['text', 4_000]] as const, [`cs${n}Label`, ['text', 1_023]] as const]),
  ),
  destinationServiceName: ['text', 1_023],
  dvchost: ['text', 100],
  flexString1: ['text', 1_023],
  flexString1Label: ['text', 128],
  in: ['number', 10],
  msg: ['text', 1_023],
  out: ['number', 10],
  outcome: ['text', 63],
  reason: ['text', 1_023],
  requestClientApplication: ['text', 1_023],
  rt: ['time', 13],
  sntdom: ['text', 255],
  sourceServiceName: ['text', 1_023],
  suid: ['text', 1_023],
  suser: ['text', 1_023],
};

/** Longest values of the header: version, vendor, product, device version, event class id, name, severity. */
const HEADER_LIMITS = [5, 63, 63, 31, 1_023, 512, 2];

const OWN_KEY = /^Switchyard[A-Z][A-Za-z]*$/;

const isOf: Readonly<Record<Kind, RegExp>> = { text: /^[^]*$/, number: /^-?\d+$/, time: /^\d{1,13}$/ };

/** Reads a line as the standard says: an unescaped "|" ends a field of the header, an unescaped "=" a key. */
export function parseCef(line: string): CefLine {
  const [match, ...header] =
    /^(CEF:[01])\|((?:\\.|[^\\|])*)\|((?:\\.|[^\\|])*)\|((?:\\.|[^\\|])*)\|((?:\\.|[^\\|])*)\|((?:\\.|[^\\|])*)\|(\d+)\|/.exec(
      line,
    ) ?? [];
  if (match === undefined) throw new Error('no header');
  const rest = line.slice(match.length);
  const keys = [...rest.matchAll(/(?:^| )(\w+)(?<!\\)=/g)];
  const extension = keys.map(({ index, 0: { length }, 1: key = '' }, number) => {
    const value = rest.slice(index + length, keys[number + 1]?.index);
    return [key, value.replaceAll(/\\(.)/g, (_, one: string) => ({ n: '\n', r: '\r' })[one] ?? one)] as const;
  });
  return { header: header.map((field) => field.replaceAll(/\\(.)/g, '$1')), extension: Object.fromEntries(extension) };
}

/** What a line has that the standard does not allow. */
export function cefProblems(line: string): string[] {
  const { header, extension } = parseCef(line);
  return [
    ...(/\p{Cc}/u.test(line) ? ['control character'] : []),
    ...header.flatMap((field, index) =>
      field.length <= (HEADER_LIMITS[index] ?? 0) ? [] : [`field ${index} of the header is too long`],
    ),
    ...(Number(header[6]) >= 0 && Number(header[6]) <= 10 ? [] : ['severity']),
    ...Object.entries(extension).flatMap(([key, value]) => {
      if (OWN_KEY.test(key)) return [];
      const [kind, limit] = DICTIONARY[key] ?? [];
      if (kind === undefined || limit === undefined) return [`${key} is no key`];
      return value.length <= limit && isOf[kind].test(value)
        ? []
        : [`${key}=${value.slice(0, 40)} is no ${kind} of at most ${limit}`];
    }),
  ];
}
