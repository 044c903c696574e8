/** A check of the referee. */
export interface Check {
  readonly id: string;
  readonly status: string;
  readonly description?: string;
  readonly errorMessage?: string;
  readonly details?: { readonly message?: string };
}

export interface ExpectedFailure {
  readonly quadrant: string;
  readonly scenario: string;
  readonly check: string;
  readonly reason: string;
}

export interface Verdict {
  readonly quadrant: string;
  readonly scenarios: number;
  readonly passed: number;
  readonly failed: number;
  readonly expected: number;
  readonly stale: number;
  readonly failures: readonly { readonly scenario: string; readonly check: string; readonly message: string }[];
  readonly staleEntries: readonly ExpectedFailure[];
}

export declare function readExpectedFailures(file?: string): Promise<readonly ExpectedFailure[]>;

export declare function judge(examined: {
  readonly quadrant: string;
  readonly checks: ReadonlyMap<string, readonly Check[]>;
  readonly direct?: ReadonlyMap<string, readonly Check[]>;
  readonly expectedFailures: readonly ExpectedFailure[];
}): Verdict;
