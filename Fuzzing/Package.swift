// swift-tools-version: 6.2
import PackageDescription

// A package of its own: it is built with a sanitizer and a main function of libFuzzer's. See Scripts/fuzz.
let package = Package(
  name: "lacuna-fuzz",
  dependencies: [.package(name: "lacuna", path: "..")],
  targets: [
    .executableTarget(
      name: "lacuna-fuzz",
      dependencies: [.product(name: "Lacuna", package: "lacuna")],
      swiftSettings: [.swiftLanguageMode(.v6), .unsafeFlags(["-sanitize=fuzzer"])],
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])])
  ]
)
