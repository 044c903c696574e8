import { scanMessage } from './gate.js';

const scan = (text: string | Buffer) => scanMessage(Buffer.from(text as string));
const reasonOf = (text: string | Buffer): string => {
  const verdict = scan(text);
  return verdict.ok ? 'ok' : verdict.reason;
};

/** [id, a JSON text]: the gate takes or refuses it exactly as JSON.parse does, wherever a peer may write any value. */
const SYNTAX: readonly (readonly [id: string, text: string])[] = [
  ['y_null', 'null'],
  ['y_true', 'true'],
  ['y_false', 'false'],
  ['y_zero', '0'],
  ['y_minus_zero', '-0'],
  ['y_integer', '1234567890'],
  ['y_fraction', '-12.50'],
  ['y_exponent', '1e5'],
  ['y_exponent_plus', '1E+5'],
  ['y_exponent_minus', '1.5e-05'],
  ['y_number_over_double', '1e999'],
  ['y_long_integer', '9'.repeat(400)],
  ['y_string_empty', '""'],
  ['y_string_escapes', '"\\"\\\\\\/\\b\\f\\n\\r\\t"'],
  ['y_string_unicode_escape', '"\\u00e9\\u0000\\uFFFD"'],
  ['y_string_surrogate_pair', '"\\ud83d\\ude00"'],
  ['y_string_utf8', '"é€😀"'],
  ['y_string_del', '"\u007f"'],
  ['y_string_line_separator', '"\u2028"'],
  ['y_string_bom_inside', '"\ufeff"'],
  ['y_string_long', `"${'x'.repeat(5000)}"`],
  ['y_string_long_escape_at_end', `"${'x'.repeat(5000)}\\n"`],
  ['y_string_long_quote_bytes', `"${'é"'.repeat(300).replaceAll('"', '\\"')}"`],
  ['y_array_empty', '[]'],
  ['y_array_space', '[ \t\r\n]'],
  ['y_array_mixed', '[1,"a",null,[],{},true]'],
  ['y_object_empty', '{}'],
  ['y_object_duplicate_keys', '{"a":1,"a":2}'],
  ['y_object_owned_names_in_user_territory', '{"method":1,"method":2,"Method":3,"__proto__":4}'],
  ['y_object_nested', '{"a":{"b":[{"c":{}}]}}'],
  ['y_space_everywhere', ' { "a" : [ 1 , 2 ] , "b" : { } } '],
  ['n_empty', ''],
  ['n_word_nan', 'NaN'],
  ['n_word_infinity', '-Infinity'],
  ['n_word_undefined', 'undefined'],
  ['n_word_capital', 'True'],
  ['n_word_cut', 'tru'],
  ['n_word_long', 'nullx'],
  ['n_number_plus', '+1'],
  ['n_number_leading_zero', '01'],
  ['n_number_minus_leading_zero', '-01'],
  ['n_number_minus_alone', '-'],
  ['n_number_dot_first', '.5'],
  ['n_number_dot_last', '1.'],
  ['n_number_two_dots', '1.2.3'],
  ['n_number_exponent_cut', '1e'],
  ['n_number_exponent_sign_cut', '1e+'],
  ['n_number_dot_exponent', '1.e3'],
  ['n_number_hex', '0x10'],
  ['n_number_separator', '1_000'],
  ['n_number_bigint', '1n'],
  ['n_number_full_width', '１'],
  ['n_string_single_quotes', "'a'"],
  ['n_string_open', '"a'],
  ['n_string_open_escape', '"a\\'],
  ['n_string_bad_escape', '"\\x41"'],
  ['n_string_capital_u_escape', '"\\U0041"'],
  ['n_string_short_unicode_escape', '"\\u004"'],
  ['n_string_unicode_escape_not_hex', '"\\u00g0"'],
  ['n_string_unicode_escape_signed', '"\\u+041"'],
  ['n_string_raw_newline', '"a\nb"'],
  ['n_string_raw_tab', '"a\tb"'],
  ['n_string_raw_nul', '"a\u0000b"'],
  ['n_string_long_raw_control', `"${'x'.repeat(3000)}\u001f${'x'.repeat(3000)}"`],
  ['n_array_open', '[1'],
  ['n_array_trailing_comma', '[1,]'],
  ['n_array_leading_comma', '[,1]'],
  ['n_array_double_comma', '[1,,2]'],
  ['n_array_no_comma', '[1 2]'],
  ['n_array_closed_as_object', '[1}'],
  ['n_array_colon', '["a":1]'],
  ['n_object_open', '{"a":1'],
  ['n_object_trailing_comma', '{"a":1,}'],
  ['n_object_bare_key', '{a:1}'],
  ['n_object_number_key', '{1:1}'],
  ['n_object_no_colon', '{"a" 1}'],
  ['n_object_no_value', '{"a":}'],
  ['n_object_double_colon', '{"a"::1}'],
  ['n_object_closed_as_array', '{"a":1]'],
  ['n_object_comma_only', '{,}'],
  ['n_comment_line', '1 // one'],
  ['n_comment_block', '/* one */ 1'],
  ['n_space_no_break', '\u00a01'],
  ['n_space_vertical_tab', '\u000b1'],
  ['n_space_form_feed', '\u000c1'],
  ['n_bracket_extra', '[]]'],
];

const asArguments = (text: string) => `{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":${text}}}`;

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('JSON syntax', () => {
  it.each(SYNTAX)('%s as arguments', (id, text) => {
    expect(parses(asArguments(text))).toBe(id.startsWith('y_'));
    expect(reasonOf(asArguments(text))).toBe(id.startsWith('y_') ? 'ok' : 'parse_error');
  });

  it.each(SYNTAX)('%s as the whole body', (id, text) => {
    expect(reasonOf(text)).toBe(!id.startsWith('y_') ? 'parse_error' : 'invalid_request');
  });
});

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** What JSON.parse, or a decoder before it, would let through in one form or another. */
const STRICTER: readonly (readonly [id: string, text: string | Buffer])[] = [
  ['x_bom', '\ufeff{"jsonrpc":"2.0","method":"m"}'],
  ['x_utf8_invalid', Buffer.concat([Buffer.from('{"jsonrpc":"2.0","method":"'), Buffer.from([0xff]), Buffer.from('"}')])],
  ['x_utf8_cut', Buffer.concat([Buffer.from('{"jsonrpc":"2.0","method":"'), Buffer.from([0xc3]), Buffer.from('"}')])],
  ['x_utf8_overlong', Buffer.concat([Buffer.from('{"jsonrpc":"2.0","method":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])],
  [
    'x_utf8_surrogate',
    Buffer.concat([Buffer.from('{"jsonrpc":"2.0","method":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
  ],
  ['x_utf16', Buffer.from('{"jsonrpc":"2.0","method":"m"}', 'utf16le')],
  ['x_surrogate_high_alone', asArguments('"\\ud800"')],
  ['x_surrogate_low_alone', asArguments('"\\udc00"')],
  ['x_surrogate_reversed', asArguments('"\\udc00\\ud800"')],
  ['x_surrogate_high_twice', asArguments('"\\ud800\\ud800"')],
  ['x_surrogate_high_and_letter', asArguments('"\\ud800a"')],
  ['x_surrogate_high_and_other_unit', asArguments('"\\ud800\\ue000"')],
  ['x_surrogate_in_key', asArguments('{"\\ud800":1}')],
  ['x_depth_65', asArguments(nested(63))],
  ['x_two_messages', '{"jsonrpc":"2.0","method":"m"}{"jsonrpc":"2.0","method":"m"}'],
];

describe('refusals beyond the grammar', () => {
  it.each(STRICTER)('%s', (_id, text) => {
    expect(reasonOf(text)).toBe('parse_error');
  });

  it('takes 64 levels, and any number that the caller sets', () => {
    expect(reasonOf(asArguments(nested(62)))).toBe('ok');
    expect(scanMessage(Buffer.from(asArguments(nested(63))), { maxDepth: 65 }).ok).toBe(true);
    expect(scanMessage(Buffer.from('{"jsonrpc":"2.0","method":"m"}'), { maxDepth: 1 }).ok).toBe(true);
    expect(scanMessage(Buffer.from('{"jsonrpc":"2.0","method":"m","params":{}}'), { maxDepth: 1 }).ok).toBe(false);
  });

  it('takes a hundred thousand levels where the caller wants that', () => {
    expect(scanMessage(Buffer.from(asArguments(nested(100_000))), { maxDepth: 200_000 }).ok).toBe(true);
  });
});

const REQUEST = '"jsonrpc":"2.0","id":1,"method":"m"';

/** [id, message, id that the refusal tells]. */
const MESSAGES: readonly (readonly [id: string, text: string, toldId: string | undefined])[] = [
  ['m_batch', '[{"jsonrpc":"2.0","id":1,"method":"m"}]', undefined],
  ['m_batch_empty', '[]', undefined],
  ['m_string', '"tools/call"', undefined],
  ['m_jsonrpc_missing', '{"id":1,"method":"m"}', '1'],
  ['m_jsonrpc_1', '{"jsonrpc":"1.0","id":1,"method":"m"}', '1'],
  ['m_jsonrpc_number', '{"jsonrpc":2.0,"id":1,"method":"m"}', '1'],
  ['m_jsonrpc_twice', '{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"m"}', '1'],
  ['m_jsonrpc_case', '{"JSONRPC":"2.0","jsonrpc":"2.0","id":1,"method":"m"}', '1'],
  ['m_method_number', '{"jsonrpc":"2.0","id":1,"method":7}', '1'],
  ['m_method_null', '{"jsonrpc":"2.0","id":1,"method":null}', '1'],
  ['m_method_twice', `{${REQUEST},"method":"n"}`, '1'],
  ['m_method_twice_same', `{${REQUEST},"method":"m"}`, '1'],
  ['m_method_twice_escaped', `{${REQUEST},"m\\u0065thod":"n"}`, '1'],
  ['m_method_case', `{${REQUEST},"Method":"n"}`, '1'],
  ['m_method_case_alone', '{"jsonrpc":"2.0","id":1,"METHOD":"m"}', '1'],
  ['m_method_case_escaped', `{${REQUEST},"\\u004dethod":"n"}`, '1'],
  ['m_method_full_width', `{${REQUEST},"ｍethod":"n"}`, '1'],
  ['m_params_long_s', `{${REQUEST},"paramſ":{}}`, '1'],
  ['m_params_long_s_escaped', `{${REQUEST},"param\\u017f":{}}`, '1'],
  ['m_params_dotted_capital_i', `{${REQUEST},"params":{"urİ":"u"}}`, '1'],
  ['m_params_dotless_i', `{${REQUEST},"params":{"urı":"u"}}`, '1'],
  ['m_task_kelvin', `{${REQUEST},"params":{"tas\u212a":1}}`, '1'],
  ['m_task_kelvin_escaped', `{${REQUEST},"params":{"tas\\u212A":1}}`, '1'],
  ['m_params_array', `{${REQUEST},"params":[1]}`, '1'],
  ['m_params_null', `{${REQUEST},"params":null}`, '1'],
  ['m_params_string', `{${REQUEST},"params":"{}"}`, '1'],
  ['m_params_twice', `{${REQUEST},"params":{},"params":{}}`, '1'],
  ['m_proto_root', `{${REQUEST},"__proto__":{}}`, '1'],
  ['m_proto_root_escaped', `{${REQUEST},"__pr\\u006fto__":{}}`, '1'],
  ['m_proto_params', `{${REQUEST},"params":{"__proto__":{}}}`, '1'],
  ['m_proto_meta', `{${REQUEST},"params":{"_meta":{"__proto__":{}}}}`, '1'],
  ['m_proto_ref', `{${REQUEST},"params":{"ref":{"__proto__":{}}}}`, '1'],
  ['m_proto_result', '{"jsonrpc":"2.0","id":1,"result":{"__proto__":{}}}', '1'],
  ['m_name_twice', `{${REQUEST},"params":{"name":"a","name":"b"}}`, '1'],
  ['m_name_case', `{${REQUEST},"params":{"name":"a","Name":"b"}}`, '1'],
  ['m_uri_twice', `{${REQUEST},"params":{"uri":"a","uri":"b"}}`, '1'],
  ['m_arguments_twice', `{${REQUEST},"params":{"arguments":{},"arguments":{}}}`, '1'],
  ['m_cursor_twice', `{${REQUEST},"params":{"cursor":"a","cursor":"b"}}`, '1'],
  ['m_request_id_case', `{${REQUEST},"params":{"requestId":1,"requestID":2}}`, '1'],
  ['m_level_twice', `{${REQUEST},"params":{"level":"a","level":"b"}}`, '1'],
  ['m_task_id_twice', `{${REQUEST},"params":{"taskId":"a","taskId":"b"}}`, '1'],
  ['m_task_id_case', `{${REQUEST},"params":{"taskid":"a"}}`, '1'],
  ['m_task_twice', `{${REQUEST},"params":{"task":{},"task":{}}}`, '1'],
  ['m_ref_twice', `{${REQUEST},"params":{"ref":{},"ref":{}}}`, '1'],
  ['m_ref_name_twice', `{${REQUEST},"params":{"ref":{"name":"a","name":"b"}}}`, '1'],
  ['m_progress_token_twice', `{${REQUEST},"params":{"progressToken":1,"progressToken":2}}`, '1'],
  ['m_meta_twice', `{${REQUEST},"params":{"_meta":{},"_meta":{}}}`, '1'],
  ['m_meta_case', `{${REQUEST},"params":{"_Meta":{}}}`, '1'],
  ['m_meta_null', `{${REQUEST},"params":{"_meta":null}}`, '1'],
  ['m_meta_array', `{${REQUEST},"params":{"_meta":[]}}`, '1'],
  ['m_meta_token_twice', `{${REQUEST},"params":{"_meta":{"progressToken":1,"progressToken":1}}}`, '1'],
  ['m_meta_token_case', `{${REQUEST},"params":{"_meta":{"progresstoken":1}}}`, '1'],
  ['m_meta_traceparent_twice', `{${REQUEST},"params":{"_meta":{"traceparent":"a","traceparent":"b"}}}`, '1'],
  [
    'm_meta_version_twice',
    `{${REQUEST},"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"a","io.modelcontextprotocol/protocolVersion":"a"}}}`,
    '1',
  ],
  ['m_meta_version_case', `{${REQUEST},"params":{"_meta":{"io.modelcontextprotocol/ProtocolVersion":"a"}}}`, '1'],
  ['m_meta_prefix_case', `{${REQUEST},"params":{"_meta":{"io.ModelContextProtocol/other":"a"}}}`, '1'],
  [
    'm_meta_prefix_folded',
    `{${REQUEST},"params":{"_meta":{"io.modelcontextprotocol\\u002Fother":1,"io.modelcontextprotocol/other":2}}}`,
    '1',
  ],
  [
    'm_meta_other_twice',
    `{${REQUEST},"params":{"_meta":{"io.modelcontextprotocol/other":1,"io.modelcontextprotocol/Other":2}}}`,
    '1',
  ],
  ['m_id_null', '{"jsonrpc":"2.0","id":null,"method":"m"}', undefined],
  ['m_id_bool', '{"jsonrpc":"2.0","id":true,"method":"m"}', undefined],
  ['m_id_object', '{"jsonrpc":"2.0","id":{},"method":"m"}', undefined],
  ['m_id_array', '{"jsonrpc":"2.0","id":[1],"method":"m"}', undefined],
  ['m_id_fraction', '{"jsonrpc":"2.0","id":1.5,"method":"m"}', undefined],
  ['m_id_fraction_zero', '{"jsonrpc":"2.0","id":1.0,"method":"m"}', undefined],
  ['m_id_exponent', '{"jsonrpc":"2.0","id":1e3,"method":"m"}', undefined],
  ['m_id_over', '{"jsonrpc":"2.0","id":9007199254740993,"method":"m"}', undefined],
  ['m_id_under', '{"jsonrpc":"2.0","id":-9007199254740993,"method":"m"}', undefined],
  ['m_id_far_over', `{"jsonrpc":"2.0","id":${'1'.repeat(40)},"method":"m"}`, undefined],
  ['m_id_twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}', undefined],
  ['m_id_case', '{"jsonrpc":"2.0","id":1,"ID":2,"method":"m"}', '1'],
  ['m_id_alone', '{"jsonrpc":"2.0","id":1}', '1'],
  ['m_nothing', '{"jsonrpc":"2.0"}', undefined],
  ['m_empty', '{}', undefined],
  ['m_method_and_result', '{"jsonrpc":"2.0","id":1,"method":"m","result":{}}', '1'],
  ['m_method_and_error', '{"jsonrpc":"2.0","id":1,"method":"m","error":{"code":1,"message":""}}', '1'],
  ['m_result_and_error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}', '1'],
  ['m_result_without_id', '{"jsonrpc":"2.0","result":{}}', undefined],
  ['m_result_twice', '{"jsonrpc":"2.0","id":1,"result":{},"result":{}}', '1'],
  ['m_result_case', '{"jsonrpc":"2.0","id":1,"result":{},"Result":{}}', '1'],
  ['m_is_error_twice', '{"jsonrpc":"2.0","id":1,"result":{"isError":true,"isError":false}}', '1'],
  ['m_is_error_case', '{"jsonrpc":"2.0","id":1,"result":{"iserror":true}}', '1'],
  ['m_result_type_twice', '{"jsonrpc":"2.0","id":1,"result":{"resultType":"a","resultType":"b"}}', '1'],
  ['m_content_twice', '{"jsonrpc":"2.0","id":1,"result":{"content":[],"content":[]}}', '1'],
  ['m_structured_content_case', '{"jsonrpc":"2.0","id":1,"result":{"structuredcontent":{}}}', '1'],
  ['m_error_code_twice', '{"jsonrpc":"2.0","id":1,"error":{"code":1,"code":2,"message":""}}', '1'],
  ['m_many_unusual_keys', `{${REQUEST},"params":{${Array.from({ length: 300 }, (_, index) => `"é${index}":1`).join(',')}}}`, '1'],
];

describe('messages that are no JSON-RPC of ours', () => {
  it.each(MESSAGES)('%s', (_id, text, toldId) => {
    const verdict = scan(text);
    expect(verdict).toMatchObject({ ok: false, reason: 'invalid_request' });
    expect(verdict.ok || verdict.id).toBe(toldId);
  });

  it('reports bad JSON before anything else', () => {
    expect(reasonOf('{"jsonrpc":"1.0","id":null,"id":2,"params":[')).toBe('parse_error');
  });

  it('has a stable id for every row', () => {
    const ids = [...SYNTAX, ...STRICTER, ...MESSAGES].map(([id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

/** [id, message]: unusual, and in order. */
const TAKEN: readonly (readonly [id: string, text: string])[] = [
  ['t_unknown_root_key', `{${REQUEST},"extra":[1]}`],
  ['t_unknown_unicode_keys', `{${REQUEST},"é":1,"params":{"ключ":1,"_meta":{"例":1}}}`],
  ['t_unknown_keys_twice', `{${REQUEST},"x":1,"x":2,"params":{"y":1,"y":2,"_meta":{"z":1,"z":2}}}`],
  ['t_similar_keys', `{${REQUEST},"methods":1,"metho":2,"params":{"names":1,"nam":2}}`],
  ['t_owned_elsewhere', `{${REQUEST},"name":1,"Name":2,"params":{"method":1,"Method":2}}`],
  ['t_duplicates_in_arguments', `{${REQUEST},"params":{"arguments":{"name":1,"name":2,"__proto__":{}}}}`],
  ['t_duplicates_in_content', '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","type":"text","Type":1}]}}'],
  ['t_id_zero', '{"jsonrpc":"2.0","id":0,"method":"m"}'],
  ['t_id_negative', '{"jsonrpc":"2.0","id":-7,"method":"m"}'],
  ['t_id_largest', '{"jsonrpc":"2.0","id":9007199254740992,"method":"m"}'],
  ['t_id_smallest', '{"jsonrpc":"2.0","id":-9007199254740992,"method":"m"}'],
  ['t_id_empty_string', '{"jsonrpc":"2.0","id":"","method":"m"}'],
  ['t_jsonrpc_escaped', '{"jsonrpc":"2\\u002e0","id":1,"method":"m"}'],
  ['t_space_around', ' \r\n\t{"jsonrpc":"2.0","id":1,"method":"m"}\n\n'],
  ['t_error_without_id', '{"jsonrpc":"2.0","error":{"code":-32600,"message":"x"}}'],
  ['t_result_null', '{"jsonrpc":"2.0","id":1,"result":null}'],
  ['t_meta_other_prefix', `{${REQUEST},"params":{"_meta":{"com.example.${'x'.repeat(40)}/a":1,"com.example/A":2}}}`],
  [
    't_meta_other_keys',
    `{${REQUEST},"params":{"_meta":{"io.modelcontextprotocol/related-task":{},"io.modelcontextprotocol/logLevel":"info"}}}`,
  ],
  ['t_long_unusual_key', `{${REQUEST},"${'é'.repeat(5000)}":1}`],
];

describe('messages that are taken', () => {
  it.each(TAKEN)('%s', (_id, text) => {
    expect(scan(text)).toMatchObject({ ok: true });
  });
});
