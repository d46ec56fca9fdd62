// What the weights' eight formats share.

// The 32 bits at some index of a plane.
fn word(plane: u32, index: u32) -> u32 {
    return planes[plane + index / 4u][index % 4u];
}

fn half_of(words: u32, index: u32) -> u32 {
    return (words >> (16u * (index % 2u))) & 0xffffu;
}
