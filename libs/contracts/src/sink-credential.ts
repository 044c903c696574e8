const PREFIX = 'sink/';

/** Name under which the vault keeps what an audit sink's configuration references. No upstream can be called so. */
export const sinkCredential = (sink: string): string => PREFIX + sink;

/** Whether a credential is a sink's. */
export const isSinkCredential = (name: string): boolean => name.startsWith(PREFIX);

const CHANNEL = 'channel/';

/** Name under which the secrets of an alert channel are asked for, as if it were a sink. No sink can be called so. */
export const channelSink = (channel: string): string => CHANNEL + channel;

/** The alert channel that a credential is of; undefined where it is of a sink, or of an upstream. */
export const channelOfCredential = (name: string): string | undefined =>
  name.startsWith(PREFIX + CHANNEL) ? name.slice(PREFIX.length + CHANNEL.length) : undefined;
