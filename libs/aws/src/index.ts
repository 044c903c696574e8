export { awsCredentials, AwsUnavailable, type AwsCredentials, type AwsCredentialsConfig } from './aws-credentials.js';
export { signAws, type AwsRequest } from './sign-aws.js';
