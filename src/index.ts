/// <reference types="@webgpu/types" />
export { type AttendOptions, type AttendResult, attend } from './attention/attend.js';
export { Attention, type PlanOptions, type ShapeOptions } from './attention/attention.js';
export type { BackwardBuffers, ForwardBuffers } from './attention/record.js';
export { type AdapterDescription, type Device, type DeviceOptions, openDevice } from './gpu/device.js';
export { CallerError, EngineError, ParsimonyError } from './gpu/errors.js';
export { PAPER_RULES, PRESET_NAMES, presetRules } from './grammar/presets.js';
export type { RuleSet, Strategy, Tag, TagPair } from './grammar/rules.js';
export { formatRules, parseRules } from './grammar/rules-file.js';
export { PIECE_TAGS, SPECIAL_TAGS, UNIVERSAL_TAGS } from './grammar/tags.js';
