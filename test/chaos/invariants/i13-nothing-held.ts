import type { Evidence, Finding, Held, Invariant } from '../evidence.js';

/** A tenth, or as many as a pool of connections may hold. */
export const holdsAboutAsMany = ({ filesBefore, filesAfter }: Held) =>
  filesAfter <= Math.max(filesBefore * 1.1, filesBefore + 24);

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
