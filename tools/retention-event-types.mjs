// Rows of the catalogue of events about retention; as those in tools/event-types.mjs.

import { ADMIN, names } from './event-fields.mjs';

const RETENTION = {
  id: 'Id of the deletion.',
  table: 'What it is of, by its name in GET /api/v1/retention.',
  cut: 'What arrived before this time goes.',
  days: 'How long rows are kept.',
  checkpoint: 'Of exact lines: number of the newest checkpoint that they are deleted up to.',
};

const HOLD = {
  hold: 'Its name.',
  because: 'Why, in their words.',
  principal: 'Who it is about.',
  server: 'Which server.',
  from: 'What happened since.',
  to: 'What happened before.',
};

/** What happened · who writes it · which fields of an event it has · which keys its detail has. */
export const RETENTION_TYPES = {
  'audit.retention_intended': [
    'Retention is about to delete rows.',
    'analytics',
    names('identity'),
    {
      ...RETENTION,
      rows: 'How many are to go.',
      records: 'How many signed records say which exact lines; 0 for other tables.',
    },
  ],
  'audit.retention_deleted': [
    'Retention has deleted rows.',
    'analytics',
    names('identity', 'reason'),
    {
      ...RETENTION,
      rows: 'How many have gone.',
      partitions: 'How many whole partitions were dropped.',
      resumed: 'true where the process that began it ended before it was over.',
    },
  ],
  'audit.hold_set': ['Somebody keeps rows from retention: a legal hold.', 'analytics', ADMIN, HOLD],
  'audit.hold_released': ['Somebody has released a legal hold.', 'analytics', ADMIN, HOLD],
};
