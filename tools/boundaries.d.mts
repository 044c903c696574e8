/** A workspace package, as its package.json describes it. */
export interface WorkspacePackage {
  readonly name: string;
  /** Directory relative to the root. */
  readonly dir: string;
  readonly tags: readonly string[];
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
}

export const DEP_CONSTRAINTS: readonly { readonly sourceTag: string; readonly onlyDependOnLibsWithTags: readonly string[] }[];
export const TEST_FILES: readonly string[];
export function workspacePackages(): WorkspacePackage[];
export function rootDevDependencies(): string[];
export function layerViolation(source: WorkspacePackage, target: WorkspacePackage): string | undefined;
export function externalViolation(source: WorkspacePackage, external: string): string | undefined;
export function importableNames(
  source: WorkspacePackage,
  packages: readonly WorkspacePackage[],
  devDependencies: readonly string[],
): { readonly inSource: string[]; readonly inTests: string[] };
