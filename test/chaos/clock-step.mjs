// Preloaded into the processes of the gateway: their clock is as far from the machine's as the file CHAOS_CLOCK_FILE says, in milliseconds.
// It is read again on SIGUSR2. What JavaScript sees of the time of day is set; timers and the monotonic clock run as they do when an
// administrator sets a machine's clock.
import { readFileSync } from 'node:fs';

let offsetMs = 0;
function read() {
  try {
    offsetMs = Number(readFileSync(process.env.CHAOS_CLOCK_FILE, 'utf8')) || 0;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
read();
process.on('SIGUSR2', read);

const realNow = Date.now;
Date.now = () => realNow() + offsetMs;
globalThis.Date = new Proxy(Date, {
  construct: (date, args, type) => Reflect.construct(date, args.length === 0 ? [Date.now()] : args, type),
  apply: () => new Date().toString(),
});
