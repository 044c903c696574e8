import { holdsReference } from '../secret-reference.js';

type Visit = (text: string, path: string) => string;

function mapTexts(value: unknown, path: string, visit: Visit): unknown {
  if (typeof value === 'string') return visit(value, path);
  if (Array.isArray(value)) return value.map((one, index) => mapTexts(one, `${path}/${index}`, visit));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapTexts(one, `${path}/${key}`, visit)]));
}

/** The texts of a sink's settings that hold references, by their path. */
export function sinkReferences(settings: unknown): Record<string, string> {
  const found: Record<string, string> = {};
  mapTexts(settings, '', (text, path) => {
    if (holdsReference(text)) found[path] = text;
    return text;
  });
  return found;
}

/** A sink's settings with values in the place of references. @param values by path, as `sinkReferences` has them */
export function fillSinkReferences<Settings>(settings: Settings, values: Readonly<Record<string, string>>): Settings {
  return mapTexts(settings, '', (text, path) => (Object.hasOwn(values, path) ? (values[path] ?? text) : text)) as Settings;
}
