import { problemResponse as problem } from './responses.js';

/** OpenAPI path items of apps that have registered themselves. */
export const clientsPaths = {
  '/api/v1/clients/{id}': {
    delete: {
      operationId: 'deleteClient',
      summary: 'Delete an app that has registered itself, with everything that it was given (role admin)',
      tags: ['clients'],
      security: [{ apiKey: [] }],
      parameters: [
        {
          ...{ name: 'id', in: 'path', required: true, schema: { type: 'string' } },
          description: 'Its client id, as `auth.client_registered` and sessions name it.',
        },
      ],
      responses: {
        204: { description: 'It is unknown, and its tokens are refused at every edge within a second.' },
        401: problem('No valid API key was sent.'),
        403: problem('The API key does not have the role admin.'),
        404: problem('No app has registered itself under this id.'),
        409: problem('The app is named in the configuration.'),
        503: problem('The audit trail takes no events: nothing was changed.'),
      },
    },
  },
} as const;
