import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

/** Path of a program that tests run: the one that the test command found, else the one that its search finds now. */
export async function testProgram(variable: string, search: string): Promise<string> {
  const given = process.env[variable];
  if (given) return given;
  const script = path.resolve(import.meta.dirname, '../../../../../tools', search);
  return (await promisify(execFile)(process.execPath, [script])).stdout.trim();
}
