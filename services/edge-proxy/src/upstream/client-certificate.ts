import type { CredentialMaterial } from '@switchyard/contracts';
import type { ClientCertificate } from '@switchyard/egress';

/** What a credential has to be shown in the TLS handshake; undefined where it has nothing for it. */
export const certificateOf = (credential: CredentialMaterial): ClientCertificate | undefined =>
  credential.tlsCertificate === '' ? undefined : credential;
