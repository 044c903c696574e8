const COLUMNS = ['quadrant', 'scenarios', 'passed', 'failed', 'expected failures', 'stale'];

/** Prints a table of verdicts, and below it what failed and what is stale. */
export function printReport(verdicts, { json }) {
  if (json) {
    console.log(JSON.stringify(verdicts));
    return;
  }
  console.log(table(verdicts));
  for (const { failures, staleEntries } of verdicts) {
    for (const { quadrant, scenario, check, message } of failures)
      console.log(`\n✗ ${quadrant}  ${scenario}  ${check}\n  ${message}`);
    for (const { quadrant, scenario, check, reason } of staleEntries)
      console.log(`\n✗ stale: ${quadrant}  ${scenario}  ${check} does not fail\n  listed because: ${reason}`);
  }
}

function table(verdicts) {
  const rows = verdicts.map(({ quadrant, scenarios, passed, failed, expected, stale }) =>
    [quadrant, scenarios, passed, failed, expected, stale].map(String),
  );
  const widths = COLUMNS.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index].length)));
  const line = (cells) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[index]))).join('  ');
  return [COLUMNS, ...rows].map(line).join('\n');
}
