import { type DynamicModule, Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import { PublicEdge } from './public-edge.js';

/** Nest owns the edge's life and nothing of its path: no decorator, guard or interceptor is run for a call. */
@Module({})
export class EdgeProxyModule implements OnModuleDestroy {
  constructor(@Inject(PublicEdge) private readonly edge: PublicEdge) {}

  /** @param edge opened, not yet listening */
  static register(edge: PublicEdge): DynamicModule {
    return { module: EdgeProxyModule, providers: [{ provide: PublicEdge, useValue: edge }] };
  }

  async onModuleDestroy(): Promise<void> {
    await this.edge.close();
  }
}
