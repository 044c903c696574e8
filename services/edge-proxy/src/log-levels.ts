/** RFC 5424 §6.2.1 severities, least severe first, as MCP names them. */
const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** Whether a name is one of them. */
export const isLogLevel = (name: unknown): name is string => typeof name === 'string' && LEVELS.includes(name);

/** Whether the level that a session asked for outranks a `notifications/message`, which then is not for it. @param wanted undefined: everything is */
export function outranks(wanted: string | undefined, message: Buffer): boolean {
  if (wanted === undefined) return false;
  const { params } = JSON.parse(message.toString('utf8')) as { params?: { level?: unknown } };
  return isLogLevel(params?.level) && LEVELS.indexOf(params.level) < LEVELS.indexOf(wanted);
}

/** Whether a level lets more through than another. @param than undefined: nothing */
export const isMoreVerbose = (level: string, than: string | undefined): boolean =>
  than === undefined || LEVELS.indexOf(level) < LEVELS.indexOf(than);
