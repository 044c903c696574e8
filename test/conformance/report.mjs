const COLUMNS = ['quadrant', 'scenarios', 'passed', 'failed', 'expected failures', 'stale'];

/** Prints a table of verdicts, and below it what failed and what is stale. */
export function printReport(verdicts, { json, notAsked }) {
  if (json) {
    console.log(JSON.stringify(verdicts));
    return;
  }
  console.log(table(verdicts));
  for (const { quadrant, failures, staleEntries } of verdicts) {
    if (failures.length + staleEntries.length > 0) console.log(`\n${quadrant}`);
    for (const { scenario, check, message } of failures) console.log(`  ${name(scenario, check)}: ${message}`);
    for (const { scenario, check } of staleEntries)
      console.log(`  stale: ${name(scenario, check)} is in expected-failures.yaml, and does not fail`);
  }
  console.log(`\nNot asked (not-asked.yaml): ${notAsked.map(({ scenario }) => scenario).join(', ')}`);
}

const name = (scenario, check) => (scenario === check ? scenario : `${scenario} / ${check}`);

function table(verdicts) {
  const rows = verdicts.map(({ quadrant, scenarios, passed, failed, expected, stale }) =>
    [quadrant, scenarios, passed, failed, expected, stale].map(String),
  );
  const widths = COLUMNS.map((title, index) => Math.max(title.length, ...rows.map((row) => row[index].length)));
  const line = (cells) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[index]))).join('  ');
  return [COLUMNS, ...rows].map(line).join('\n');
}
