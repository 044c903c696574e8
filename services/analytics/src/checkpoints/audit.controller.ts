import { Controller, Get, Inject, Query, Res } from '@nestjs/common';
import { Problem, RequireRole, zodQuery } from '@switchyard/admin-api';
import { auditExportQuery, type AuditExportQuery, type AuditKeys } from '@switchyard/contracts';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Exporting } from '../retention/exporting.js';
import { Checkpoints } from './checkpoints.js';

const HEADERS = {
  'content-type': 'application/x-ndjson',
  'content-disposition': 'attachment; filename="audit.jsonl"',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

/** The audit trail in a form that can be verified without trusting anybody here. */
@Controller('api/v1/audit')
@RequireRole('admin', 'auditor')
export class AuditController {
  readonly #checkpoints: Checkpoints;
  readonly #exporting: Exporting;

  constructor(@Inject(Checkpoints) checkpoints: Checkpoints, @Inject(Exporting) exporting: Exporting) {
    this.#checkpoints = checkpoints;
    this.#exporting = exporting;
  }

  @Get('keys')
  async keys(): Promise<AuditKeys> {
    return { keys: [await this.#checkpoints.publicKey()] };
  }

  @Get('export')
  async export(
    @Query(zodQuery(auditExportQuery)) { from, to }: AuditExportQuery,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const range = { fromMs: from === undefined ? 0 : Date.parse(from), untilMs: to === undefined ? undefined : Date.parse(to) };
    const text = await this.#exporting.run(() => this.#checkpoints.export(range));
    if (text === undefined)
      throw new Problem(404, {
        reason: 'nothing_signed',
        detail: 'Nothing has been signed yet: the first checkpoint comes within a minute of the first event.',
      });
    response.writeHead(200, HEADERS);
    // Who goes away early ends it; an export that breaks off lacks its last line, and does not verify.
    await pipeline(Readable.from(text, { highWaterMark: 64 }), response).catch(() => undefined);
  }
}
