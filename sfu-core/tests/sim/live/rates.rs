//! What an adaptive encoder makes of an estimate: as libwebrtc's allocators do, the lowest layer
//! first, each up to what it is worth, none below what it takes.

/// The rates of one encoding or spatial layer, in kbit/s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rung {
    /// Below this it is not worth sending.
    pub(crate) least: f64,
    /// More than this it does not take.
    pub(crate) most: f64,
    pub(crate) height: u16,
}

/// A camera in three simulcast encodings, as livekit-client sends 720p.
pub(crate) const CAMERA: [Rung; 3] = [
    rung(40.0, 150.0, 180),
    rung(200.0, 500.0, 360),
    rung(600.0, 1700.0, 720),
];

/// A camera in three spatial layers, 1700 kbit/s in all.
pub(crate) const LAYERED: [Rung; 3] = [
    rung(40.0, 150.0, 180),
    rung(150.0, 450.0, 360),
    rung(400.0, 1100.0, 720),
];

/// A shared screen.
pub(crate) const SCREEN: [Rung; 1] = [rung(100.0, 1500.0, 1080)];

/// A voice.
pub(crate) const MICROPHONE: [Rung; 1] = [rung(32.0, 32.0, 0)];

const fn rung(least: f64, most: f64, height: u16) -> Rung {
    Rung {
        least,
        most,
        height,
    }
}

/// What a layer that is off needs above its least to come back: libwebrtc's hysteresis for video.
const COMING_BACK: f64 = 1.2;

/// The rate of each layer under `kbps` in all; 0: off. The lowest layer never goes off. `now`: what
/// they have at present.
pub(crate) fn share(rungs: &[Rung], now: &[f64], kbps: f64) -> Vec<f64> {
    let mut left = kbps;
    let mut rates = vec![0.0; rungs.len()];
    for (at, rung) in rungs.iter().enumerate() {
        let needs = if at == 0 || now[at] > 0.0 {
            rung.least
        } else {
            rung.least * COMING_BACK
        };
        if at > 0 && left < needs {
            break;
        }
        rates[at] = left.clamp(rung.least, rung.most);
        left -= rates[at];
    }
    rates
}

#[test]
fn layers_come_from_below_and_stay_a_little_longer_than_they_came() {
    assert_eq!(share(&CAMERA, &[0.0; 3], 10.0), [40.0, 0.0, 0.0]);
    assert_eq!(share(&CAMERA, &[0.0; 3], 380.0), [150.0, 0.0, 0.0]);
    assert_eq!(share(&CAMERA, &[0.0; 3], 400.0), [150.0, 250.0, 0.0]);
    let with_two = [150.0, 250.0, 0.0];
    assert_eq!(share(&CAMERA, &with_two, 360.0), [150.0, 210.0, 0.0]);
    assert_eq!(share(&CAMERA, &with_two, 9999.0), [150.0, 500.0, 1700.0]);
}
