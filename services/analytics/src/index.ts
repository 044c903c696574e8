export { analyticsConfigSchema, analyticsFileSchema, type AnalyticsConfig } from './config.js';
export { startAnalytics, type AnalyticsDeps } from './start.js';
