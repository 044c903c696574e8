import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import { readerFields, RequireReader, zodParam, type ReaderRequest } from '@switchyard/admin-api';
import type { CapturedPayload } from '@switchyard/contracts';
import { Readers } from '../api/readers.js';
import { eventNameParts } from './event-name.js';
import { PayloadReads } from './payload-reads.js';

/** What was captured of a call, for auditors. Administrators are let in here to be refused there, where the attempt is recorded. */
@Controller('api/v1/events')
@RequireReader('admin', 'auditor')
export class PayloadsController {
  readonly #payloads: PayloadReads;
  readonly #readers: Readers;

  constructor(@Inject(PayloadReads) payloads: PayloadReads, @Inject(Readers) readers: Readers) {
    this.#payloads = payloads;
    this.#readers = readers;
  }

  @Get(':emitter/:epoch/:sequence/payload')
  read(
    @Req() request: ReaderRequest,
    @Param('emitter', zodParam('emitter', eventNameParts.emitter)) ofEmitter: string,
    @Param('epoch', zodParam('epoch', eventNameParts.epoch)) epoch: string,
    @Param('sequence', zodParam('sequence', eventNameParts.sequence)) sequence: string,
  ): Promise<CapturedPayload> {
    const name = { emitter: ofEmitter, epoch, sequence };
    return this.#payloads.read(name, readerFields(request), this.#readers.isAuditor(request));
  }
}
