import { Module, type DynamicModule } from '@nestjs/common';
import type { Clock } from '@switchyard/runtime';
import type { EventSink } from './events/event-sink.js';
import { ClientsController } from './clients/clients.controller.js';
import { ConfiguredClients } from './clients/configured-clients.js';
import type { EndedClients } from './revocation/ended.js';
import { RegisteredClients } from './clients/registered-clients.js';
import { KeyRegister } from './keys/key-register.js';
import { KeysController } from './keys/keys.controller.js';
import { SigningKeysController } from './signing/signing-keys.controller.js';
import { SigningKeys } from './signing/signing-keys.js';
import { Accounts } from './provider/accounts.js';
import { MeController } from './people/me.controller.js';
import { PeopleController } from './people/people.controller.js';
import { PeopleRegister } from './people/people-register.js';
import { Sessions } from './people/sessions.js';
import { ObtainIdJagHandler, type Asserting } from './rpc/obtain-id-jag.js';
import { ASSERTING, AUDIT, CLOCK, ENDED_CLIENTS, PUBLIC_URL } from './injection-tokens.js';

/** The admin side of the authorization server, and what other services ask it. */
@Module({})
export class AuthServerModule {
  static of(
    o: Asserting & {
      readonly register: KeyRegister;
      readonly signing: SigningKeys;
      readonly people: PeopleRegister;
      readonly sessions: Sessions;
      readonly accounts: Accounts;
      readonly clients: { readonly configured: ConfiguredClients; readonly registered: RegisteredClients };
      readonly endedClients: EndedClients;
      readonly publicUrl: string;
      readonly audit: EventSink;
      readonly clock: Clock;
    },
  ): DynamicModule {
    return {
      module: AuthServerModule,
      controllers: [SigningKeysController, KeysController, MeController, PeopleController, ClientsController, ObtainIdJagHandler],
      providers: [
        { provide: KeyRegister, useValue: o.register },
        { provide: SigningKeys, useValue: o.signing },
        { provide: PeopleRegister, useValue: o.people },
        { provide: Sessions, useValue: o.sessions },
        { provide: Accounts, useValue: o.accounts },
        { provide: ConfiguredClients, useValue: o.clients.configured },
        { provide: RegisteredClients, useValue: o.clients.registered },
        { provide: ENDED_CLIENTS, useValue: o.endedClients },
        { provide: PUBLIC_URL, useValue: o.publicUrl },
        { provide: ASSERTING, useValue: o satisfies Asserting },
        { provide: AUDIT, useValue: o.audit },
        { provide: CLOCK, useValue: o.clock },
      ],
    };
  }
}
