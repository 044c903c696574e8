import type { Edit, Envelope } from '@switchyard/mcp';
import type { Target } from './resolve.js';

/** Adds what the gateway owns in a call's request, whatever the era: the id, the progress token, the upstream's own name of what is called. */
export function addOwnEdits(edits: Edit[], envelope: Envelope, id: string, { exposed, capability }: Target): Edit[] {
  if (envelope.idRange) edits.push({ range: envelope.idRange, text: id });
  if (envelope.progressTokenRange) edits.push({ range: envelope.progressTokenRange, text: id });
  const nameRange = envelope.method === 'completion/complete' ? envelope.refNameRange : envelope.nameRange;
  if (nameRange && exposed !== capability.name) edits.push({ range: nameRange, text: JSON.stringify(capability.name) });
  return edits;
}
