//! Any bytes as a video layers allocation.

use sfu_core::wire::layers_allocation;

/// Reads `data`; what is read is in its bounds and in order.
pub(crate) fn check(data: &[u8]) {
    let Some(allocation) = layers_allocation::parse(data) else {
        return;
    };
    let layers = &allocation.layers;
    assert!(allocation.streams <= 4 && allocation.stream < 4);
    assert_eq!(allocation.streams == 0, data == [0]);
    assert!(layers.is_sorted_by_key(|layer| (layer.stream, layer.spatial)));
    let told = layers.first().and_then(|layer| layer.pictures).is_some();
    let mut bytes = 1 + layers.len().div_ceil(4);
    for layer in layers {
        assert!(layer.stream < allocation.streams && layer.spatial < 4);
        assert!((1..=4).contains(&layer.bitrates.len()));
        assert_eq!(layer.pictures.is_some(), told);
        bytes += layer.bitrates.len() + if told { 5 } else { 0 };
    }
    assert!(bytes <= data.len());
}
