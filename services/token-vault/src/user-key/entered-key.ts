import { schemeOf, type KeySettings } from './key-settings.js';

const LONGEST = 4_096;

/** What somebody entered as their key: the key, or why it can be none, in a sentence that holds nothing of it. */
export type EnteredKey = { readonly ok: true; readonly key: string } | { readonly ok: false; readonly problem: string };

const refused = (problem: string): EnteredKey => ({ ok: false, problem });

/** Reads what was entered. What stands around it, such as a line break, came with copying. */
export function enteredKey(text: string, settings: KeySettings): EnteredKey {
  const key = text.trim();
  if (key === '') return refused('Nothing was entered.');
  if (key.length > LONGEST) return refused(`It is longer than ${LONGEST} characters.`);
  // RFC 9110 §5.5, without what some servers read otherwise than others.
  if (!/^[\x20-\x7e]+$/.test(key))
    return refused('It holds characters that no key has, for example a line break. Copy it again.');
  const scheme = schemeOf(settings);
  if (scheme !== '' && key.toLowerCase().startsWith(`${scheme.toLowerCase()} `))
    return refused(`Enter the key alone, without “${scheme}”: this gateway puts that in front of it.`);
  return { ok: true, key };
}
