import { Module, type DynamicModule } from '@nestjs/common';
import type { Clock } from '@switchyard/runtime';
import type { EventSink } from './events/event-sink.js';
import { KeyRegister } from './keys/key-register.js';
import { KeysController } from './keys/keys.controller.js';
import { SigningKeysController } from './signing/signing-keys.controller.js';
import { SigningKeys } from './signing/signing-keys.js';
import { Accounts } from './provider/accounts.js';
import { MeController } from './people/me.controller.js';
import { PeopleController } from './people/people.controller.js';
import { PeopleRegister } from './people/people-register.js';
import { Sessions } from './people/sessions.js';
import { AUDIT, CLOCK, PUBLIC_URL } from './injection-tokens.js';

/** The admin side of the authorization server. */
@Module({})
export class AuthServerModule {
  static of(o: {
    readonly register: KeyRegister;
    readonly signing: SigningKeys;
    readonly people: PeopleRegister;
    readonly sessions: Sessions;
    readonly accounts: Accounts;
    readonly publicUrl: string;
    readonly audit: EventSink;
    readonly clock: Clock;
  }): DynamicModule {
    return {
      module: AuthServerModule,
      controllers: [SigningKeysController, KeysController, MeController, PeopleController],
      providers: [
        { provide: KeyRegister, useValue: o.register },
        { provide: SigningKeys, useValue: o.signing },
        { provide: PeopleRegister, useValue: o.people },
        { provide: Sessions, useValue: o.sessions },
        { provide: Accounts, useValue: o.accounts },
        { provide: PUBLIC_URL, useValue: o.publicUrl },
        { provide: AUDIT, useValue: o.audit },
        { provide: CLOCK, useValue: o.clock },
      ],
    };
  }
}
