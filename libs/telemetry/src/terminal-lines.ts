const frame = new Set(['level', 'time', 'message', 'service', 'error']);

// A terminal obeys control characters, and names in log records can come from upstreams.
const printable = (text: string): string => text.replace(/\p{Cc}/gu, ' ');

function errorLines(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { stack, name, message } = error as Record<string, unknown>;
  const lines = String(stack ?? `${String(name)}: ${String(message)}`).split('\n');
  return lines.map((line) => `\n    ${printable(line)}`).join('');
}

/** Renders one JSON log record for a person: `12:00:01.123 warn  edge-proxy: upstream is away upstream="files" attempt=3`. */
export function terminalLine(json: string): string {
  const record = JSON.parse(json) as Record<string, unknown>;
  const time = String(record['time']).slice(11, 23);
  const fields = Object.entries(record)
    .filter(([name]) => !frame.has(name))
    .map(([name, value]) => ` ${name}=${printable(JSON.stringify(value))}`);
  const head = `${time} ${String(record['level']).padEnd(5)} ${String(record['service'])}: ${printable(String(record['message']))}`;
  return `${head}${fields.join('')}${errorLines(record['error'])}\n`;
}

/** A destination that renders JSON log records for a person. */
export function terminalLines(stream: NodeJS.WritableStream): { write(json: string): void } {
  return { write: (json) => void stream.write(terminalLine(json)) };
}
