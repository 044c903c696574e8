import { mirroredParameters } from './mirrored-parameters.js';

const schema = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });
const region = { type: 'string', 'x-mcp-header': 'Region' };

describe('the parameters that clients mirror into header fields', () => {
  const usable: readonly [id: string, schema: unknown, found: unknown][] = [
    ['MP-1 none', schema({ a: { type: 'string' } }), []],
    ['MP-2 a string', schema({ region }), [{ header: 'Region', path: ['region'] }]],
    [
      'MP-3 integers and booleans',
      schema({ n: { type: 'integer', 'x-mcp-header': 'N' }, b: { type: 'boolean', 'x-mcp-header': 'B' } }),
      [
        { header: 'N', path: ['n'] },
        { header: 'B', path: ['b'] },
      ],
    ],
    ['MP-4 within objects', schema({ where: schema({ region }) }), [{ header: 'Region', path: ['where', 'region'] }]],
    ['MP-5 a parameter of the annotation’s name', schema({ 'x-mcp-header': { type: 'string' } }), []],
    [
      'MP-6 a value that looks like one',
      schema({ a: { default: region, enum: [region], const: region, examples: [region] } }),
      [],
    ],
    ['MP-7 no object', true, []],
  ];
  it.each(usable)('%s', (_id, input, found) => {
    expect(mirroredParameters(input)).toEqual({ parameters: found });
  });

  const annotated = (type: unknown, header: unknown) => schema({ a: { type, 'x-mcp-header': header } });
  const unusable: readonly [id: string, schema: unknown][] = [
    ['MP-10 an empty name', annotated('string', '')],
    ['MP-11 a name that is no string', annotated('string', 1)],
    ['MP-12 a space in the name', annotated('string', 'My Region')],
    ['MP-13 a colon in the name', annotated('string', 'Region:Primary')],
    ['MP-14 a name beyond ASCII', annotated('string', 'Région')],
    ['MP-15 a control character in the name', annotated('string', 'Region\t1')],
    ['MP-30 (U11) line breaks in the name', annotated('string', 'Region\r\nHost: x')],
    ['MP-31 (U11) the name of credentials', annotated('string', 'Authorization')],
    ['MP-32 (U11) the name of the host', annotated('string', 'hOST')],
    ['MP-16 a number', annotated('number', 'A')],
    ['MP-17 an object', annotated('object', 'A')],
    ['MP-18 an array', annotated('array', 'A')],
    ['MP-19 null', annotated('null', 'A')],
    ['MP-20 several types', annotated(['string', 'null'], 'A')],
    ['MP-21 no type', annotated(undefined, 'A')],
    ['MP-22 the same name twice', schema({ a: region, b: region })],
    ['MP-23 the same name in another case', schema({ a: region, b: { type: 'string', 'x-mcp-header': 'REGION' } })],
    ['MP-24 at the root', { ...schema({}), 'x-mcp-header': 'A' }],
    ['MP-25 under items', schema({ a: { type: 'array', items: schema({ region }) } })],
    ['MP-26 under a composition', schema({}, { allOf: [schema({ region })] })],
    ['MP-27 under a condition', schema({}, { then: schema({ region }) })],
    ['MP-28 under definitions', schema({}, { $defs: { where: schema({ region }) } })],
    ['MP-29 under additionalProperties', schema({}, { additionalProperties: region })],
  ];
  it.each(unusable)('%s is not usable', (_id, input) => {
    expect(mirroredParameters(input)).toEqual({ unusable: expect.any(String) });
  });
});
