import { expect, test } from 'vitest'
import { normaliseProvider } from './providers.ts'

test.each([
  ['api.openai.com', 'openai'],
  ['api.x.ai', 'x_ai'],
  ['api.together.xyz', 'together_ai'],
  ['generativelanguage.googleapis.com', 'gcp.gemini'],
  ['us-central1-aiplatform.googleapis.com', 'gcp.vertex_ai'],
  ['bedrock-runtime.us-east-1.amazonaws.com', 'aws.bedrock'],
  ['my-resource.openai.azure.com', 'azure.ai.openai'],
  ['AWS Bedrock', 'aws.bedrock'],
  ['Vertex AI Model Garden', 'gcp.vertex_ai'],
  ['az.ai.agents', 'azure.ai.openai'],
  ['openai.chat', 'openai'],
  ['langgenius/openai/openai', 'openai'],
  ['api.example.com', 'api.example.com'],
  ['my gateway', 'my gateway'],
  ['127.0.0.1:8000', '127.0.0.1:8000'],
])('the provider %s is %s', (said, provider) => {
  expect(normaliseProvider(said)).toBe(provider)
})
