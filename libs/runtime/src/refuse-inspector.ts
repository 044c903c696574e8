/**
 * Keeps Node.js from opening its inspector on SIGUSR1: whoever may connect to that reads every secret in memory.
 * @param say told that it was tried
 */
export function refuseInspector(say: (sentence: string) => void): void {
  process.on('SIGUSR1', () => say('SIGUSR1 opens no inspector here.'));
}
