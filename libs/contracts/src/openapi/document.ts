import { alertsPaths } from './alerts.js';
import { auditExportPaths } from './audit-export.js';
import { clientsPaths } from './clients.js';
import { connectionsPaths } from './connections.js';
import { dataKeysPaths } from './data-keys.js';
import { eventsPaths } from './events.js';
import { keysPaths } from './keys.js';
import { payloadsPaths } from './payloads.js';
import { peoplePaths } from './people.js';
import { pipelinePaths } from './pipeline.js';
import { rebuildPaths } from './rebuild.js';
import { registryPaths } from './registry.js';
import { retentionPaths } from './retention.js';
import { secretsPaths } from './secrets.js';
import { sinksPaths } from './sinks.js';
import { storyPaths } from './story.js';
import { usagePaths } from './usage.js';

/**
 * The OpenAPI document of the admin API, whichever service answers a path.
 * @param publicUrl origin that clients reach the gateway under
 */
export function openApiDocument(publicUrl: string): object {
  return {
    openapi: '3.0.3',
    info: { title: 'Switchyard', version: '1', description: 'Administration and audit of one MCP gateway.' },
    servers: [{ url: publicUrl }],
    components: {
      securitySchemes: {
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'An access token of a person, got by OAuth for the resource `<public URL>/api`.',
        },
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, made with `switchyard key create`.' },
      },
    },
    paths: {
      ...registryPaths,
      ...keysPaths,
      ...peoplePaths,
      ...connectionsPaths,
      ...clientsPaths,
      ...secretsPaths,
      ...dataKeysPaths,
      ...eventsPaths,
      ...payloadsPaths,
      ...storyPaths,
      ...usagePaths,
      ...auditExportPaths,
      ...pipelinePaths,
      ...rebuildPaths,
      ...sinksPaths,
      ...alertsPaths,
      ...retentionPaths,
    },
  };
}
