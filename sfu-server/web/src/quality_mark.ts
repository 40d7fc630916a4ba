import { ConnectionQuality } from 'livekit-client';
import { make } from './dom';
import { icon } from './icons';

const MARKS = {
  [ConnectionQuality.Excellent]: { name: 'signal3', text: 'Connection: excellent' },
  [ConnectionQuality.Good]: { name: 'signal2', text: 'Connection: good' },
  [ConnectionQuality.Poor]: { name: 'signal1', text: 'Connection: poor' },
  [ConnectionQuality.Lost]: { name: 'signalLost', text: 'Connection: lost' },
} as const;

/** The bars beside a name: how good that participant's connection is, once the server has said. */
export class QualityMark {
  readonly element = make('span', 'quality-mark');
  private shown: ConnectionQuality = ConnectionQuality.Unknown;

  constructor() {
    this.element.hidden = true;
  }

  show(quality: ConnectionQuality): void {
    if (quality === this.shown) {
      return;
    }
    this.shown = quality;
    this.element.hidden = quality === ConnectionQuality.Unknown;
    this.element.dataset['quality'] = quality;
    if (quality !== ConnectionQuality.Unknown) {
      const { name, text } = MARKS[quality];
      this.element.title = text;
      this.element.replaceChildren(icon(name), make('span', 'visually-hidden', text));
    }
  }
}
