import { z } from 'zod';
import { everySink, httpReach, httpUrl, JSON_MAPPINGS, secret } from './sink-parts.js';

/** Settings of a sink that is Elasticsearch or OpenSearch. */
export const elasticSink = z
  .strictObject({
    type: z
      .literal('elastic')
      .describe('Elasticsearch or OpenSearch, by the bulk API. The id of a document is that of its event.'),
    ...everySink(JSON_MAPPINGS),
    url: httpUrl.describe('The cluster, for example `https://elastic.example.com:9200`.'),
    index: z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9._-]{0,200}$/,
        'must be the name of a data stream or an index: a-z, 0-9, ".", "_" and "-". Change it.',
      )
      .default('logs-switchyard.audit-default')
      .describe('Data stream or index that events go to.'),
    apiKey: secret.optional().describe('API key, encoded, as a reference. Or `username` and `password`.'),
    username: z.string().min(1).optional().describe('User name.'),
    password: secret.optional().describe('Its password, as a reference.'),
    ...httpReach,
  })
  .superRefine(({ apiKey, username, password }, context) => {
    if ((username === undefined) !== (password === undefined))
      context.addIssue('has a username without a password, or the reverse. Give both or neither.');
    if (apiKey !== undefined && username !== undefined)
      context.addIssue({ code: 'custom', path: ['apiKey'], message: 'cannot stand beside username. Keep one of them.' });
  });
