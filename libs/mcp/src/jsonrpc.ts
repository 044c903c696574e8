/** Error codes of JSON-RPC 2.0 §5.1 and of MCP. */
export const CODES = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Legacy only; what it means depends on the server. */
  serverError: -32000,
  /** Legacy only: the session is unknown (as the official SDKs answer). */
  sessionNotFound: -32001,
  /** Legacy only (MCP 2025-11-25, "Resources"). */
  resourceNotFound: -32002,
  /** Legacy only (MCP 2025-11-25, "Elicitation"). */
  urlElicitationRequired: -32042,
  /** Modern only (MCP 2026-07-28, "Error handling"), as are the next two. */
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedVersion: -32022,
} as const;

/**
 * An error response.
 * @param idText JSON text of the request's id; empty where it could not be read, which JSON-RPC 2.0 §5 writes as null
 */
export function errorResponse(idText: string, code: number, message: string, data?: object): Buffer {
  const error = JSON.stringify(data === undefined ? { code, message } : { code, message, data });
  return Buffer.from(`{"jsonrpc":"2.0","id":${idText === '' ? 'null' : idText},"error":${error}}`);
}

/** A result response. @param idText JSON text of the request's id @param resultJson JSON text of the result */
export function resultResponse(idText: string, resultJson: string): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":${idText},"result":${resultJson}}`);
}

/** A request. @param idText JSON text of its id @param paramsJson JSON text of its params, an object */
export function requestMessage(idText: string, method: string, paramsJson?: string): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":${idText},"method":${JSON.stringify(method)}${paramsMember(paramsJson)}}`);
}

/** A notification. @param paramsJson JSON text of its params, an object */
export function notificationMessage(method: string, paramsJson?: string): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","method":${JSON.stringify(method)}${paramsMember(paramsJson)}}`);
}

const paramsMember = (paramsJson: string | undefined): string => (paramsJson === undefined ? '' : `,"params":${paramsJson}`);
