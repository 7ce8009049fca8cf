import { openVoice } from '../../server/src/voice/index.ts';
import { FakeVoice } from '../support/fake-voice.ts';
import { voiceContract } from './voice.contract.ts';

voiceContract('FakeVoice', () => Promise.resolve(new FakeVoice()));
voiceContract('FliteVoice', openVoice);
