import type { Evidence, Finding, Held, Invariant } from '../evidence.js';

/** As many as a pool of connections may hold. */
const POOLED = 24;
/** Its tables begin empty, and have some twenty parts each until these are merged; a file that leaked with each insert would be thousands. */
const IN_PARTS = 500;

/** A tenth more, or what comes and goes. */
export const holdsAboutAsMany = ({ member, filesBefore, filesAfter }: Held) =>
  filesAfter <= Math.max(filesBefore * 1.1, filesBefore + (member === 'clickhouse' ? IN_PARTS : POOLED));

/**
 * I13 of the fault plan, for open files. Memory is shown and not judged: a heap that has grown under load shrinks when the engine of
 * JavaScript likes.
 */
export const nothingHeld: Invariant = {
  id: 'I13',
  says: 'when all is quiet again, processes hold about as many files as before',
  check({ held }: Evidence): Finding {
    const shown = held.map(
      (it) => `${it.member} ${it.filesBefore}→${it.filesAfter} files ${it.residentMiBBefore}→${it.residentMiBAfter} MiB`,
    );
    const grown = held.filter((it) => !holdsAboutAsMany(it));
    return {
      numbers: shown.join(', '),
      violations: grown.map(
        ({ member, filesBefore, filesAfter }) => `${member} holds ${filesAfter} files, and had ${filesBefore}`,
      ),
    };
  },
};
