import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** A message that was read without node:http. */
export interface PostedRequest {
  readonly method: 'POST';
  /** As it was sent. */
  readonly url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  readonly socket: Socket;
  /** A stream where it has not come whole. */
  readonly body: Buffer | Readable;
}

/** What MCP endpoints are asked with. */
export type ClientRequest = IncomingMessage | PostedRequest;

/** As much of node:http's `ServerResponse` as MCP endpoints answer with, events too; its names mean here what they mean there. */
export interface Answer extends EventEmitter {
  readonly headersSent: boolean;
  readonly closed: boolean;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  readonly writableLength: number;
  readonly writableNeedDrain: boolean;
  writeHead(status: number, headers: Readonly<Record<string, string | number>>): unknown;
  flushHeaders(): void;
  write(bytes: Buffer): boolean;
  end(): unknown;
  end(bytes: Buffer): unknown;
  end(text: string, encoding: 'latin1'): unknown;
  destroy(): unknown;
  setTimeout(timeoutMs: number, onTimeout: () => void): unknown;
}
