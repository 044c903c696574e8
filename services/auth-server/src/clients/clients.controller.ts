import { Controller, Delete, HttpCode, Inject, Param, Req } from '@nestjs/common';
import { actorFields, notFound, Problem, RequireRole, type AdminRequest } from '@switchyard/admin-api';
import type { EventSink } from '../events/event-sink.js';
import { refuseUnlessRecorded } from '../events/refuse-unless-recorded.js';
import { AUDIT, ENDED_CLIENTS } from '../injection-tokens.js';
import { ConfiguredClients } from './configured-clients.js';
import type { EndedClients } from '../revocation/ended.js';
import { RegisteredClients } from './registered-clients.js';

/** Apps that have registered themselves: deleted by administrators. */
@Controller('api/v1/clients')
@RequireRole('admin')
export class ClientsController {
  readonly #configured: ConfiguredClients;
  readonly #registered: RegisteredClients;
  readonly #ended: EndedClients;
  readonly #audit: EventSink;

  constructor(
    @Inject(ConfiguredClients) configured: ConfiguredClients,
    @Inject(RegisteredClients) registered: RegisteredClients,
    @Inject(ENDED_CLIENTS) ended: EndedClients,
    @Inject(AUDIT) audit: EventSink,
  ) {
    this.#configured = configured;
    this.#registered = registered;
    this.#ended = ended;
    this.#audit = audit;
  }

  @Delete(':id')
  @HttpCode(204)
  async remove(@Req() request: AdminRequest, @Param('id') id: string): Promise<void> {
    refuseUnlessRecorded(this.#audit);
    if (this.#configured.get(id) !== undefined) {
      const detail =
        'This app is named in the configuration. Take it out of switchyard.yaml: everything that it was given ends then.';
      throw new Problem(409, { reason: 'client_configured', detail });
    }
    const client = await this.#registered.find(id);
    if (client === undefined) throw notFound('No app has registered itself under this id, or it has been forgotten.');
    // Before, so that one that could not be ended can be deleted again; after, for what it got in between.
    await this.#ended.end(id);
    await this.#registered.remove(id);
    await this.#ended.end(id);
    const name = client['client_name'];
    const detail = { client: id, ...(typeof name === 'string' && { client_name: name }) };
    const event = { type: 'auth.client_deleted', outcome: 'ok', reason: 'revoked_by_admin', http_status: 204 } as const;
    await this.#audit.record({ ...event, ...actorFields(request), detail });
  }
}
