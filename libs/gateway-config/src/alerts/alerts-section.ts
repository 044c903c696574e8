import { z } from 'zod';
import { sinkNameSchema } from '../sinks/sink-schema.js';
import { alertChannelSchema } from './alert-channels.js';
import { alertRuleSchema } from './alert-rules.js';

/** Schema of `audit.alerts`. */
export const alertsSection = z
  .strictObject({
    rules: z.record(sinkNameSchema, alertRuleSchema).default({}).describe('What people are told of, by name.'),
    channels: z
      .record(sinkNameSchema, alertChannelSchema)
      .default({})
      .describe('Where they are told, by name. Without one, alerts are events and stand in the API all the same.'),
  })
  .prefault({})
  .describe('What people are told of, and where.');
