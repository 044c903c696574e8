import { createRequire } from 'node:module';
import path from 'node:path';
import ts from 'typescript';

const require = createRequire(import.meta.url);

/** Types that Elastic publishes of its schema: what is no field of it, or of another type, does not compile. */
const TYPES = path.join(path.dirname(require.resolve('@elastic/ecs/package.json')), 'generated/index.ts');
/** Read once for all programs: of the compiler's own libraries and of Elastic's types. */
const read = new Map<string, ts.SourceFile | undefined>();
const FILE = path.join(import.meta.dirname, 'ecs-documents.ts');

/** Allowed values, and which types are expected of each category (elastic.co/docs/reference/ecs/ecs-category-field-values-reference). */
const KINDS = new Set(['alert', 'asset', 'enrichment', 'event', 'metric', 'state', 'pipeline_error', 'signal']);
const OUTCOMES = new Set(['failure', 'success', 'unknown']);
const ALL_TYPES =
  'access admin allowed change connection creation deletion denied device end error group indicator info installation protocol start user';
const EXPECTED_TYPES: Readonly<Record<string, string>> = {
  api: 'access admin allowed change creation deletion denied end info start user',
  authentication: 'start end info',
  configuration: 'access change creation deletion info',
  database: 'access change info error',
  driver: 'change end info start',
  email: 'info',
  file: 'access change creation deletion info',
  host: 'access change end info start',
  iam: 'admin change creation deletion group info user',
  intrusion_detection: 'allowed denied info',
  library: 'start',
  malware: 'info',
  network: 'access allowed connection denied end info protocol start',
  package: 'access change deletion info installation start',
  process: 'access change end info start',
  registry: 'access change creation deletion',
  session: 'start end info',
  threat: 'indicator',
  vulnerability: 'info',
  web: 'access error info',
};

interface Categorized {
  readonly kind: string;
  readonly category: readonly string[];
  readonly type: readonly string[];
  readonly outcome: string;
}

/** What documents have that the Elastic Common Schema has not, by the compiler's own words, or categorize otherwise than it allows. */
export function ecsProblems(documents: readonly object[]): string[] {
  const values = documents.map((document) => JSON.stringify(document)).join(',\n');
  const text = `import type { Ecs } from ${JSON.stringify(TYPES.replace(/\.ts$/, ''))};\nexport const documents: (Ecs & { switchyard?: object })[] = [\n${values}\n];\n`;
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es5.d.ts'],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => name === FILE || fileExists(name);
  host.readFile = (name) => (name === FILE ? text : readFile(name));
  host.getSourceFile = (name, ...more) => {
    if (name === FILE) return ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
    if (!read.has(name)) read.set(name, getSourceFile(name, ...more));
    return read.get(name);
  };
  const program = ts.createProgram({ rootNames: [FILE], options, host });
  const found = [
    ...program.getSyntacticDiagnostics(),
    ...program.getSemanticDiagnostics(program.getSourceFile(FILE)),
    ...program.getGlobalDiagnostics(),
  ];
  return [
    ...found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
    ...documents.flatMap((document) => categoryProblems((document as { readonly event: Categorized }).event)),
  ];
}

function categoryProblems({ kind, category, type, outcome }: Categorized): string[] {
  const types = new Set(
    (category.length === 0 ? ALL_TYPES : category.map((name) => EXPECTED_TYPES[name] ?? '').join(' ')).split(' '),
  );
  return [
    ...(KINDS.has(kind) ? [] : [`event.kind: ${kind}`]),
    ...(OUTCOMES.has(outcome) ? [] : [`event.outcome: ${outcome}`]),
    ...category.filter((name) => !Object.hasOwn(EXPECTED_TYPES, name)).map((name) => `event.category: ${name}`),
    ...type.filter((name) => !types.has(name)).map((name) => `event.type: ${name} is not expected of ${category.join(', ')}`),
  ];
}
