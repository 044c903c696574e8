// The ten questions that an audit trail is asked most, as the API asks them where it has them.
import { UNRESTRICTED } from './scope.mjs';
import { eventsSql } from '../../../services/analytics/dist/api/events-sql.js';
import { firstDay, lastDay } from './generated-events.mjs';
