import { AwsV4Signer } from 'aws4fetch';
import type { AwsCredentials } from './aws-credentials.js';

/** A request to AWS, or to what takes its signatures. */
export interface AwsRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** May be left out where its digest is among the headers: `x-amz-content-sha256`. */
  readonly body?: string;
  readonly service: string;
  readonly region: string;
  readonly credentials: AwsCredentials;
  readonly atMs: number;
}

/** A time as AWS signs it: 20260131T000000Z. */
const amzDate = (atMs: number) => new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, '');

/** Signs a request (Signature Version 4): all that it says, the content type too. @returns its headers with the signature */
export async function signAws(request: AwsRequest): Promise<{ url: string; headers: Record<string, string> }> {
  const { credentials, atMs, headers, ...rest } = request;
  const signer = new AwsV4Signer({ ...rest, ...credentials, headers: { ...headers }, datetime: amzDate(atMs), allHeaders: true });
  const signed = await signer.sign();
  return { url: signed.url.toString(), headers: Object.fromEntries(signed.headers) };
}
