const PREFIX = 'sink/';

/** Name under which the vault keeps what an audit sink's configuration references. No upstream can be called so. */
export const sinkCredential = (sink: string): string => PREFIX + sink;

/** Whether a credential is a sink's. */
export const isSinkCredential = (name: string): boolean => name.startsWith(PREFIX);
