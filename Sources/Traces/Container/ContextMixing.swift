/// Codes short byte strings to fewer bytes than a general compressor, whose tables alone would take as much.
///
/// Each bit is predicted from what followed the bytes before it in nine contexts, their predictions are mixed by
/// weights that learn, and an arithmetic coder spends −log₂ p on what came (M. Mahoney, "Adaptive weighing of context
/// models for lossless data compression", 2005). Whole numbers only, so that all machines decode alike;
/// `Traces/ltrace.md` specifies every step. Before the first byte it has coded ``ContextMixing/primer``, texts that
/// traces often hold.
///
/// - Complexity: about a microsecond a byte, either way; 4 MiB.
enum ContextMixing {
  /// The longest string worth the time.
  static let mostBytes = 1 << 14

  /// The coded form of at most ``mostBytes`` bytes. It does not hold their number.
  static func encoded(_ bytes: [UInt8]) -> [UInt8] {
    precondition(bytes.count <= mostBytes, "\(bytes.count) bytes are too many")
    var model = BitPredictor.primed
    var coder = ArithmeticEncoder()
    for byte in bytes { model.pass(byte) { coder.encode($0, one: $1) } }
    return coder.finished()
  }

  /// The `count` bytes that `coded` stands for; nil where it ends before they do, or does not end with them.
  static func decoded(_ coded: ArraySlice<UInt8>, count: Int) -> [UInt8]? {
    guard count <= mostBytes else { return nil }
    var model = BitPredictor.primed
    var coder = ArithmeticDecoder(coded)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count, !coder.isBeyondEnd { bytes.append(model.byte { coder.decode(one: $0) }) }
    return bytes.count == count && coder.isAtEnd ? bytes : nil
  }

  /// What a header and names often hold, as a stream has them.
  static let primer: [UInt8] = {
    var writer = ByteWriter()
    writer.text(
      """
      recorded with PyTorch 2 on an NVIDIA GPU: one training step of, inference in fp16, bf16, int8, layers of hidden, \
      heads, sequences of 128 tokens, images of 224x224, batch of 32, encoder, decoder, embedding and head, prefill, decode
      """)
    writer.text("Hugging Face configuration ")
    let skipped =
      [
        "moves no data": """
        aten::slice aten::narrow aten::expand aten::view aten::transpose aten::reshape aten::select aten::empty \
        aten::unsqueeze aten::detach aten::flatten aten::permute aten::squeeze aten::contiguous aten::t aten::to
        """,
        "does nothing in evaluation": "aten::dropout",
        "creates constants": "aten::arange aten::full aten::zeros aten::ones",
        "reads a value back to the host": "aten::is_nonzero aten::item",
      ] as KeyValuePairs
    for (reason, functions) in skipped {
      writer.text(reason)
      writer.bytes += [1, 1]
      for function in functions.split(separator: " ") { writer.text(String(function)) }
    }
    writer.bytes += [0, 0, 0, ContainerFormat.block]
    let names = """
      embedding.# embed_tokens to_copy.# gather.# add.# sub.# mul.# div.# neg.# pow.# rsqrt.# sqrt.# cos.# sin.# tanh.# \
      exp.# sum.# mean.# cumsum.# cat.# eq.# ne.# all.# where.# fill_.# copy_.# layer_norm.# rms_norm.# batch_norm.# \
      linear.# matmul.# addmm.# bmm.# mm.# conv#d.# max_pool#d.# adaptive_avg_pool#d.# relu.# gelu.# silu.# sigmoid.# \
      softmax.# log_softmax.# nll_loss_forward.# scaled_dot_product_attention.# threshold_backward.# \
      convolution_backward.#.weight cudnn_batch_norm_backward.# optimizer.# layers.#.input_layernorm \
      layers.#.self_attn.q_proj layers.#.k_proj layers.#.v_proj layers.#.attention layers.#.o_proj \
      layers.#.post_attention_layernorm layers.#.mlp.gate_proj layers.#.up_proj layers.#.act layers.#.down_proj \
      layer#.#.conv# layer#.#.bn# layer#.#.relu layer#.#.downsample encoder.layer.#.attention.query encoder.layer.#.key \
      encoder.layer.#.value encoder.layer.#.output encoder.layer.#.intermediate layer.#.fc# norm lm_head classifier \
      classifier.backward_data classifier.backward_weight pool.backward_data loss.backward_data \
      layer.#.norm.backward_data layer.#.fc#.backward_data layer.#.fc#.backward_weight
      """
    for name in names.split(separator: " ") {
      writer.bytes += name.utf8.map { $0 == UInt8(ascii: "#") ? NameTemplate.slot : $0 } + [NameTemplate.end]
    }
    return writer.bytes
  }()
}

/// Predicts the next bit of a string of bytes, the high bits of each first.
private struct BitPredictor {
  /// What of the eight bytes before, the last in the low bits, each context looks at: runs of them, single ones, and
  /// what sort of byte the last two are.
  private static let contexts: [UInt64] = [
    0, 0xFF, 0xFFFF, 0xFF_FFFF, 0xFFFF_FFFF, 0xFF_FFFF_FFFF, 0xFF00, 0xFF_0000, 0xE0E0,
  ]
  private static let slotBits = 20
  /// How many times a context was seen, at most: beyond, it forgets.
  private static let memory: UInt32 = 10
  /// How far a probability moves to what came, in 1/65536, by how often the context was seen.
  private static let rates: [UInt32] = (0..<memory).map { 655_360 / (10 * $0 + 11) }

  /// For each context that was met last in its place: the probability of a 1 in the high 16 bits, 12 bits that tell the
  /// context, and in the low 4 how often it was met.
  private var slots = [UInt32](repeating: 0, count: 1 << slotBits)
  /// A set of weights in 1/65536 for each number of contexts that were met before.
  private var weights = [Int32](repeating: 19_661, count: (contexts.count + 1) * contexts.count)
  private var history: UInt64 = 0
  // Of the bit in question: the slots of its contexts, their predictions, where its weights begin, the mixed prediction.
  private var places = [Int](repeating: 0, count: contexts.count)
  private var inputs = [Int32](repeating: 0, count: contexts.count)
  private var firstWeight = 0
  private var one: Int32 = 0

  /// One that has seen the primer.
  static let primed: BitPredictor = {
    var model = BitPredictor()
    for byte in ContextMixing.primer { model.pass(byte) { _, _ in } }
    return model
  }()

  /// Learns a byte that is known; `use` gets each of its bits and the probability of a 1, in 1/4096.
  mutating func pass(_ byte: UInt8, _ use: (_ bit: UInt32, _ one: UInt32) -> Void) {
    var rest = UInt32(byte)
    _ = self.byte { one in
      let bit = rest >> 7 & 1
      rest <<= 1
      use(bit, one)
      return bit
    }
  }

  /// Learns the next byte, of which `next` tells each bit when it is told the probability of a 1, in 1/4096.
  mutating func byte(_ next: (_ one: UInt32) -> UInt32) -> UInt8 {
    var node: UInt32 = 1
    while node < 256 {
      predict(node)
      let bit = next(UInt32(one))
      learn(bit)
      node = node << 1 | bit
    }
    history = history << 8 | UInt64(node & 0xFF)
    return UInt8(truncatingIfNeeded: node)
  }

  /// - Parameter node: a 1, and behind it the bits of this byte so far.
  private mutating func predict(_ node: UInt32) {
    var met = 0
    for (index, mask) in Self.contexts.enumerated() {
      let key = (history & mask) << 12 | UInt64(index) << 8 | UInt64(node)
      let hash = key &* 0x9E37_79B9_7F4A_7C15
      let place = Int(hash >> UInt64(64 - Self.slotBits))
      let check = UInt32(truncatingIfNeeded: hash >> 28) & 0xFFF0
      if slots[place] & 0xFFF0 != check || slots[place] & 0xF == 0 { slots[place] = 1 << 31 | check }
      let slot = slots[place]
      places[index] = place
      inputs[index] = Logistic.stretch[Int(slot >> 20)]
      if slot & 0xF > 0 { met += 1 }
    }
    firstWeight = met * Self.contexts.count
    var sum = 0
    for index in Self.contexts.indices { sum += Int(weights[firstWeight + index]) * Int(inputs[index]) }
    one = min(max(Logistic.squash(sum >> 16), 1), 4095)
  }

  private mutating func learn(_ bit: UInt32) {
    let error = Int32(bit) << 12 - one
    for index in Self.contexts.indices {
      weights[firstWeight + index] += (inputs[index] * error + 1024) >> 11
      let slot = slots[places[index]]
      let (probability, times) = (slot >> 16, slot & 0xF)
      let rate = Self.rates[Int(min(times, Self.memory - 1))]
      let moved =
        bit == 1
        ? probability + ((0xFFFF - probability) * rate) >> 16
        : probability - (probability * rate) >> 16
      slots[places[index]] = moved << 16 | slot & 0xFFF0 | min(times + 1, Self.memory)
    }
  }
}

/// The logistic function and its inverse, in whole numbers.
private enum Logistic {
  /// 4096 / (1 + e^(−x)) at x = −8, −7.5 … 8, rounded.
  private static let knots: [Int32] = [
    1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048,
    2550, 2994, 3349, 3608, 3785, 3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
  ]

  /// 4096 / (1 + e^(−x / 256)), straight between the knots.
  static func squash(_ x: Int) -> Int32 {
    let x = min(max(x, -2048), 2047) + 2048
    let (low, high) = (knots[x >> 7], knots[x >> 7 + 1])
    return low + ((high - low) * Int32(x & 127) + 64) >> 7
  }

  /// For each probability in 1/4096 the least x, from −2048 to 2047, whose ``squash(_:)`` reaches it.
  static let stretch: [Int32] = {
    var x = -2048
    return (0..<4096).map { probability in
      while x < 2047, squash(x) < probability { x += 1 }
      return Int32(x)
    }
  }()
}

/// Narrows an interval of 32-bit numbers bit by bit, and writes the bytes on which both its ends agree.
private struct ArithmeticEncoder {
  private var low: UInt32 = 0
  private var high: UInt32 = .max
  private var bytes: [UInt8] = []

  /// - Parameter one: the probability that the bit is a 1, in 1/4096, neither 0 nor 1.
  mutating func encode(_ bit: UInt32, one: UInt32) {
    let middle = low + (high - low) >> 12 * one
    if bit == 1 { high = middle } else { low = middle + 1 }
    while (low ^ high) >> 24 == 0 {
      bytes.append(UInt8(high >> 24))
      low <<= 8
      high = high << 8 | 0xFF
    }
  }

  /// All bytes: the last of them are as few as name a number within the interval when zeros follow.
  func finished() -> [UInt8] {
    for count in 0..<4 {
      let rest = UInt32.max >> UInt32(8 * count)
      let (sum, isBeyond) = low.addingReportingOverflow(rest)
      let number = sum & ~rest
      if !isBeyond, number <= high {
        return bytes + (0..<count).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
      }
    }
    return bytes + (0..<4).map { UInt8(truncatingIfNeeded: low >> (24 - 8 * $0)) }
  }
}

/// The inverse of ``ArithmeticEncoder``. Behind the last byte it reads zeros.
private struct ArithmeticDecoder {
  private var low: UInt32 = 0
  private var high: UInt32 = .max
  private var number: UInt32 = 0
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
    for _ in 0..<4 { take() }
  }

  /// Whether it reads only zeros that no encoder left out.
  var isBeyondEnd: Bool { position > bytes.endIndex + 4 }
  /// Whether it has read all bytes.
  var isAtEnd: Bool { position >= bytes.endIndex }

  private mutating func take() {
    number = number << 8 | (position < bytes.endIndex ? UInt32(bytes[position]) : 0)
    position += 1
  }

  /// - Parameter one: the probability that the bit is a 1, in 1/4096, as it was when it was encoded.
  mutating func decode(one: UInt32) -> UInt32 {
    let middle = low + (high - low) >> 12 * one
    let bit: UInt32 = number <= middle ? 1 : 0
    if bit == 1 { high = middle } else { low = middle + 1 }
    while (low ^ high) >> 24 == 0 {
      low <<= 8
      high = high << 8 | 0xFF
      take()
    }
    return bit
  }
}
