/// The versions a result carries.
public enum Version {
  /// This program.
  public static let current = "0.1.0"
  /// The layout of JSON and CSV reports. It grows when a field changes its meaning or goes away.
  public static let reportSchema = 1
}
