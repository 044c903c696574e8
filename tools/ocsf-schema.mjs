// Cuts what our mapping is checked against out of a published OCSF schema:
//   node tools/ocsf-schema.mjs <schema.json, as https://schema.ocsf.io/<version>/export/v2/schema gives it>
// The PyPI package ocsf-json-schema carries these files as ocsf_json_schema/ocsf/<version>.json.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const CLASSES = ['account_change', 'api_activity', 'application_error', 'authentication', 'entity_management'];
const OBJECTS = [
  ...['actor', 'api', 'application', 'authorization', 'group', 'http_request', 'http_response', 'idp', 'managed_entity'],
  ...[
    'message_context',
    'metadata',
    'network_endpoint',
    'object',
    'policy',
    'product',
    'request',
    'resource_details',
    'response',
  ],
  ...['service', 'session', 'trace', 'user'],
];
const target = path.resolve(import.meta.dirname, '../services/analytics/src/sinks/mappings/published');

const captions = (values) => values && Object.fromEntries(Object.entries(values).map(([id, { caption }]) => [id, caption]));

const attribute = ({ type, object_type, requirement, is_array, enum: values, sibling, profiles, profile, ...rest }) => ({
  type: object_type ?? type,
  ...(object_type && { isObject: true }),
  requirement,
  ...(is_array && { isArray: true }),
  ...(values && { values: captions(values) }),
  ...(sibling && { sibling }),
  ...((profiles ?? profile) && { profiles: profiles ?? [profile] }),
  ...(rest['@deprecated'] && { isDeprecated: true }),
});

const entity = ({ attributes, constraints }) => ({
  ...(constraints && { constraints }),
  attributes: Object.fromEntries(Object.entries(attributes).sort().map(([name, one]) => [name, attribute(one)])), // prettier-ignore
});

const { version, classes, objects, dictionary } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const types = Object.entries(dictionary.types.attributes).map(([name, { type, regex, range }]) => [name, { type, regex, range }]);
const cut = {
  about: `Attributes, requirements and enumerations of the Open Cybersecurity Schema Framework ${version}, as far as the mapping needs them.`,
  source: `https://schema.ocsf.io/${version}/export/v2/schema (https://github.com/ocsf/ocsf-schema)`,
  licence: 'Apache-2.0',
  version,
  classes: Object.fromEntries(CLASSES.map((name) => [classes[name].uid, { name, ...entity(classes[name]) }])),
  objects: Object.fromEntries(OBJECTS.map((name) => [name, entity(objects[name])])),
  types: Object.fromEntries(types),
};
mkdirSync(target, { recursive: true });
writeFileSync(path.join(target, `ocsf-${version}.json`), `${JSON.stringify(cut, undefined, 1)}\n`);
