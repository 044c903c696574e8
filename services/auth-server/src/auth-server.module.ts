import { Module, type DynamicModule } from '@nestjs/common';
import type { Clock } from '@switchyard/runtime';
import type { EventSink } from './events/event-sink.js';
import { KeyRegister } from './keys/key-register.js';
import { KeysController } from './keys/keys.controller.js';
import { SigningKeysController } from './signing/signing-keys.controller.js';
import { SigningKeys } from './signing/signing-keys.js';
import { AUDIT, CLOCK } from './injection-tokens.js';

/** The admin side of the authorization server. */
@Module({})
export class AuthServerModule {
  static of(o: {
    readonly register: KeyRegister;
    readonly signing: SigningKeys;
    readonly audit: EventSink;
    readonly clock: Clock;
  }): DynamicModule {
    return {
      module: AuthServerModule,
      controllers: [SigningKeysController, KeysController],
      providers: [
        { provide: KeyRegister, useValue: o.register },
        { provide: SigningKeys, useValue: o.signing },
        { provide: AUDIT, useValue: o.audit },
        { provide: CLOCK, useValue: o.clock },
      ],
    };
  }
}
