import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { actorFields, invalidRequest, notFound, RequireRole, zodBody, zodParam, type AdminRequest } from '@switchyard/admin-api';
import { alertName, silenceBody, type AlertList, type SilenceBody, type SilenceView } from '@switchyard/contracts';
import { AlertsApi } from './alerts-api.js';

const LONGEST_MS = 31 * 86_400_000;

/** How alerts are, and of which nobody is told for a time. */
@Controller('api/v1/alerts')
@RequireRole('admin', 'auditor')
export class AlertsController {
  constructor(private readonly api: AlertsApi) {}

  @Get()
  async list(): Promise<AlertList> {
    return { alerts: await this.api.alerts.list() };
  }

  @Post(':name/silence')
  @HttpCode(200)
  @RequireRole('admin')
  async silence(
    @Param('name', zodParam('name', alertName)) name: string,
    @Body(zodBody(silenceBody)) { until, reason }: SilenceBody,
    @Req() request: AdminRequest,
  ): Promise<SilenceView> {
    const { alerts, clock } = this.api;
    const [nowMs, untilMs] = [clock.now(), Date.parse(until)];
    if (untilMs <= nowMs) throw invalidRequest([{ field: 'until', message: 'must be in the future' }]);
    if (untilMs > nowMs + LONGEST_MS) throw invalidRequest([{ field: 'until', message: 'must be at most 31 days from now' }]);
    const by = actorFields(request).principal_name ?? '';
    if (!(await alerts.silence(name, { untilMs, by, reason }))) throw unknownAlert(name);
    const view = { until: new Date(untilMs).toISOString(), by, reason };
    await this.#tell(request, { alert: name, until: view.until, because: reason });
    return view;
  }

  @Delete(':name/silence')
  @HttpCode(204)
  @RequireRole('admin')
  async end(@Param('name', zodParam('name', alertName)) name: string, @Req() request: AdminRequest): Promise<void> {
    if (!(await this.api.alerts.endSilence(name))) throw unknownAlert(name);
    await this.#tell(request, { alert: name });
  }

  async #tell(request: AdminRequest, detail: Record<string, string>): Promise<void> {
    await this.api.audit.record({ ...actorFields(request), type: 'alert.silenced', outcome: 'ok', detail });
  }
}

const unknownAlert = (name: string) => notFound(`There is no alert ${name}; GET /api/v1/alerts lists what there is.`);
