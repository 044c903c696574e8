/** Name under which the vault keeps what the section `identity` takes from it, by reference. No upstream can be called so. */
export const IDENTITY_CREDENTIAL = 'identity/secrets';
